"""Modules that tests of more than one level share: engines, processes, webs, callers, samples.

A test module imports from here and from its own folder (or one that contains it), never from another level;
`tests/rules/test_imports.py` holds that.
"""
