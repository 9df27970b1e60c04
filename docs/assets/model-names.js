// Names and aliases of models, as the boxes for a model know them.
const fold = (text) => text.normalize("NFKD").toLowerCase().replace(/\p{M}|[\s_\-‐-―]/gu, "");

// What the file holds: options for a list, a way from what people write to a slug, and the name of a slug.
export async function loadNames(root) {
  const answer = await fetch(`${root}models/names.json`);
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  const { models } = await answer.json();
  const slugs = new Map(); // folded name -> slug
  const names = new Map(); // slug -> name
  const options = [];
  for (const [slug, name, aliases, entries] of models.sort((one, other) => other[3] - one[3])) {
    names.set(slug, name);
    for (const spelling of [name, slug, ...aliases]) if (!slugs.has(fold(spelling))) slugs.set(fold(spelling), slug);
    for (const spelling of [name, ...aliases]) {
      const option = document.createElement("option");
      option.value = spelling;
      if (spelling !== name) option.label = `${name}, ${entries} entries`;
      options.push(option);
    }
  }
  // The model of exactly this name, or the most used one whose name begins or goes on with it.
  const find = (text) => {
    const wanted = fold(text);
    if (!wanted) return undefined;
    const known = [...slugs.keys()];
    const near = known.find((name) => name.startsWith(wanted)) ?? known.find((name) => name.includes(wanted));
    return slugs.get(wanted) ?? slugs.get(near);
  };
  return { options, names, find };
}
