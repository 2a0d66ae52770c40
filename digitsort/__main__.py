"""`python -m digitsort`."""

if __name__ == "__main__":  # a second process imports this module too, and needs no command line
    from digitsort.start import main

    main()
