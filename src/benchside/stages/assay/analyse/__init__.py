"""What is worked out from wells, one verb a file: plates are judged and normalised, curves fitted, and enzymes, cells and pairs told from them.

Imports run one way: `enzymes`, `cells` and `pairs` may import `curves` and `plates`, `curves` may import `plates`, and none of the first three another.
"""
