"""Sphinx configuration: ``python -m sphinx -W -b html docs docs/_build/html``."""

import skxrd

project = "skxrd"
author = "The skxrd developers"
project_copyright = f"%Y, {author}"
release = skxrd.__version__
version = ".".join(release.split(".")[:2])

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "gallery/*.ipynb", "gallery/*.py"]
templates_path = ["_templates"]
default_role = "code"

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc sections give types, shapes and units
numpydoc_show_class_members = False  # the class template lists them

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"plot_",
    "within_subsection_order": "FileNameSortKey",
    "doc_module": ("skxrd",),
    "reference_url": {"skxrd": None},
    "backreferences_dir": "generated/backreferences",
    "abort_on_example_error": True,
    "min_reported_time": 5,
    "remove_config_comments": True,
    "show_memory": False,
}

html_theme = "pydata_sphinx_theme"
html_title = f"skxrd {release}"
html_theme_options = {"show_prev_next": False, "navigation_with_keys": False}
html_show_sourcelink = False


def without_labels_of_scikit_learn(app, what, name, obj, options, lines):
    """RegressorMixin.score refers to a section of scikit-learn's user guide."""
    reference = ":ref:`coefficient of determination <r2_score>`"
    lines[:] = [line.replace(reference, "coefficient of determination") for line in lines]


def setup(app):
    app.connect("autodoc-process-docstring", without_labels_of_scikit_learn)
