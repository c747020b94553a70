"""The decoder: upsampling and convolution on polyphase components, by Winograd's method. Begin with fold, layout."""
