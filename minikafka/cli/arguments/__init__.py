"""What may be said on the command line of each tool. Imports argparse and nothing of the SDK."""
