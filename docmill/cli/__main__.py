"""`python -m docmill.cli`."""

from docmill.cli.app import main

if __name__ == "__main__":
    main()
