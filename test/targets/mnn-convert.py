"""MNN's converter: mnn-convert.py JOBS.json, a list of lists of its arguments.

Its native module is called past the package's own command line, which reports uses to its maker and installs packages for that.
"""
import json
import sys

import _tools

for arguments in json.load(open(sys.argv[1])):
    _tools.mnnconvert(['mnnconvert', *arguments])
