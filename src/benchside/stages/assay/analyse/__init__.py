"""What is worked out from wells: plate verdicts, responses, fitted curves, potencies. One verb a file."""
