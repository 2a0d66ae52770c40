"""Run `python -m digitsort`."""

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # the working folder, which -m puts there: before anything is imported from it
    from digitsort.start import main

    main()
