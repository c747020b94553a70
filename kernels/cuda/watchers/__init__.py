"""What watches the kernels on the host build: races.cpp, and traffic.cpp with traffic.py."""
