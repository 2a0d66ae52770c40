"""`python -m digitsort`."""

from digitsort.cli import main

if __name__ == "__main__":
    main()
