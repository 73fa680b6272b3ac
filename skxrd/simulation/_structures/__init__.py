"""From files and objects to cells: gemmi, pymatgen and what they disagree about."""
