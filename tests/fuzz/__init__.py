"""What `test_fuzz` needs: small files, what may be wrong with them, how to read them plainly.

`parts` makes them, `kinds` and `mutants` change them, `write` writes them; `read_pickles` and
`read_arrays` say what stands in them, `told` what must become of it, and `judge` compares.
"""
