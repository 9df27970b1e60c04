// The page holds the newest rows. An address that asks for others must not show them first.
if (location.search) document.querySelector(".browse-table").hidden = true;
