# SPDX-License-Identifier: GPL-2.0 OR MIT
"""How Sphinx renders these pages outside of a kernel tree. The extensions are
the kernel's own; see tests/static/doc, which runs this."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ["srctree"], "Documentation/sphinx"))

extensions = ["automarkup", "kerneldoc"]
kerneldoc_srctree = os.environ["kerneldoc_srctree"]
c_id_attributes = ["__counted_by", "__printf"]

project = "drm/xen-front"
author = "The authors of drm/xen-front"
root_doc = "gpu/xen-front"
include_patterns = ["gpu/*.rst"]
primary_domain = "c"
highlight_language = "none"

html_theme = "alabaster"
html_theme_options = {"page_width": "70em", "sidebar_width": "16em"}
html_sidebars = {"**": ["globaltoc.html", "localtoc.html", "searchbox.html"]}
html_show_sphinx = False
html_copy_source = False
html_use_index = False
