"""What `test_fuzz.py` needs: small files, what may be wrong with them, and how to read them.

`parts` makes them, `mutants` changes them, `write` writes them; `read_pickles` and `read_arrays`
say what stands in them, `told` what must become of it, and `judge` compares.
"""
