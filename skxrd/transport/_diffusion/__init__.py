"""Mean squared displacement, diffusivity and conductivity."""
