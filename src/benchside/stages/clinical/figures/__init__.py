"""Figures of the clinical stage, a module a kind; `stages/clinical/figure.py` names them."""
