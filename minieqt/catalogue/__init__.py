"""From picks to earthquakes: association, catalogues, and how one compares with an agency's."""
