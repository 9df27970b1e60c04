// Opened as a file, a page can load neither its search nor its filters, and its links end at folders. Say so.
// This is no module, because a browser loads no module from a file.
if (location.protocol === "file:") {
  const note = document.createElement("p");
  note.className = "cat-file";
  note.setAttribute("role", "note");
  const word = (text) => Object.assign(document.createElement("code"), { textContent: text });
  note.append(
    "This page is open as a file, so links, search and filters do not work. Run ",
    word("make serve"),
    " in the repository, or ",
    word("python3 -m http.server"),
    " in the folder of the site, and open the address that it prints.",
  );
  document.body.prepend(note);
}
