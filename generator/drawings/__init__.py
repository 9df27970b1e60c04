"""From numbers and records to the geometry of drawings, or to whole SVG figures. No CSS, no scripts."""
