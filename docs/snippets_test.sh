#!/bin/bash
# Arguments: snippets_test.py, page, source.
exec python3 "$@"
