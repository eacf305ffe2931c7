"""`python -m multiweight` is the command `multiweight`."""

from multiweight.cli import main

if __name__ == "__main__":
    main()
