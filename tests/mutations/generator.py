"""Faults in the generator, by hand: each breaks one promise, and each is one that a change could bring in."""

from tests.mutations.mutation import Mutation

MUTATIONS = (
    # Checks
    Mutation(
        "generator/checks/urls.py",
        'elif port is not None or ":" in parts.netloc:',
        "elif port is not None:",
        ("tests/checks/test_urls.py",),
    ),
    Mutation(
        "generator/checks/urls.py",
        'elif not host.isascii() or "xn--" in host:',
        "elif not host.isascii():",
        ("tests/checks/test_urls.py",),
    ),
    Mutation(
        "generator/checks/urls.py",
        ".rstrip('/').removesuffix('.git')}\"",
        ".rstrip('/')}\"",
        ("tests/checks/test_urls.py", "tests/checks/test_duplicates.py"),
    ),
    Mutation(
        "generator/checks/dates.py",
        "int(text[:4]) < _EARLIEST",
        "int(text[:4]) <= _EARLIEST",
        ("tests/checks/test_dates.py",),
    ),
    Mutation(
        "generator/checks/dates.py",
        'elif key not in ("added", "checked_on") and text > latest:',
        'elif key not in ("added", "checked_on") and text >= latest:',
        ("tests/checks/test_dates.py",),
    ),
    Mutation(
        "generator/checks/duplicates.py",
        "draft.slug.casefold())",
        "draft.slug)",
        ("tests/checks/test_duplicates.py",),
    ),
    Mutation(
        "generator/checks/near_titles.py",
        "and numbers_of(key) == numbers_of(other_key)",
        "",
        ("tests/checks/test_near_titles.py",),
    ),
    Mutation(
        "generator/checks/records_agree.py",
        'name.strip().rpartition(" ")[2]',
        'name.strip().partition(" ")[2]',
        ("tests/checks/test_records_agree.py",),
    ),
    Mutation(
        "generator/checks/results.py",
        "0 <= number <= 100",
        "0 < number < 100",
        ("tests/checks/test_results.py",),
    ),
    Mutation(
        "generator/checks/results.py",
        "(first := seen.setdefault(identity, number)) != number",
        "(first := seen.get(identity, number)) != number",
        ("tests/checks/test_results.py",),
    ),
    Mutation(
        "generator/checks/results.py",
        'if timed and "hardware" not in result:',
        'if timed and "hardware" not in result and not before:',
        ("tests/checks/test_results.py",),
    ),
    Mutation(
        "generator/checks/results.py",
        'if key == "before" and metric.relative:',
        'if key == "before" and metric.relative and metric.unit == "%":',
        ("tests/checks/test_results.py",),
    ),
    Mutation(
        "generator/checks/model_names.py",
        "if first is not draft:",
        "if first.slug == draft.slug and first is not draft:",
        ("tests/checks/test_model_names.py",),
    ),
    Mutation(
        "generator/checks/venues.py",
        "return months <= 6",
        "return months < 6",
        ("tests/checks/test_venues.py",),
    ),
    Mutation(
        "generator/checks/relations.py",
        "if target in by_slug and target != slug",
        "if target in by_slug",
        ("tests/checks/test_relations.py",),
    ),
    Mutation(
        "generator/checks/files.py",
        "if len(slug) > MAX_SLUG:",
        "if len(slug) >= MAX_SLUG:",
        ("tests/checks/test_files.py",),
    ),
    # Entries
    Mutation(
        "generator/entries/load_yaml.py",
        "raw = stream.read((MAX_LIST_BYTES if long else MAX_BYTES) + 1)",
        "raw = stream.read(MAX_LIST_BYTES if long else MAX_BYTES)",
        ("tests/bad_inputs/test_in_a_child.py::test_refused_within_memory_and_an_end[10 MB]",),
    ),
    Mutation(
        "generator/entries/load_yaml.py",
        'raise self._stop(event.start_mark, "E107", f"more than {self.most} parts", "shorten the entry")',
        "pass",
        ("tests/bad_inputs/test_in_a_child.py::test_refused_within_memory_and_an_end[20,000 items]",),
    ),
    Mutation(
        "generator/entries/load_yaml.py",
        "if file.is_symlink() or not file.is_file():",
        "if not file.is_file():",
        ("tests/entries/test_load_yaml.py", "tests/checks/test_drafts.py"),
    ),
    Mutation(
        "generator/entries/load_yaml.py",
        'text.replace("\\\\", "\\\\\\\\").replace(\'"\', \'\\\\"\')',
        "text.replace('\"', '\\\\\"')",
        ("tests/entries/test_format_yaml.py",),
    ),
    Mutation(
        "generator/entries/format_yaml.py",
        "and yaml_type(text) is None",
        "",
        ("tests/entries/test_format_yaml.py",),
    ),
    # arXiv
    Mutation(
        "generator/arxiv/fetch.py",
        "pause = max(error.after, backoff)",
        "pause = backoff",
        ("tests/arxiv/test_fetch.py",),
    ),
    Mutation(
        "generator/arxiv/fetch.py",
        "if page.entries or refused:",
        "if page.entries:",
        ("tests/arxiv/test_fetch.py",),
    ),
    Mutation(
        "generator/arxiv/fetch.py",
        "if len(same) > 1:",
        "if len(same) > 2:",
        ("tests/arxiv/test_fetch.py",),
    ),
    Mutation(
        "generator/arxiv/records.py",
        "new.version < old.version",
        "new.version <= old.version",
        ("tests/arxiv/test_records.py",),
    ),
    Mutation(
        "generator/arxiv/records.py",
        "if record.id != arxiv_id:",
        "if record.id == '':",
        ("tests/arxiv/test_records.py",),
    ),
    Mutation(
        "generator/arxiv/records.py",
        '    with FileLock(root.with_name(f".{root.name}.lock")):\n        yield\n',
        "    yield\n",
        ("tests/arxiv/test_records.py",),
    ),
    Mutation(
        "generator/arxiv/enrich.py",
        "_age(record, today) > stale_days",
        "_age(record, today) >= stale_days",
        ("tests/arxiv/test_enrich.py",),
    ),
    Mutation(
        "generator/arxiv/fetch.py",
        "if not page.entries and (first or start or page.total):",
        "if not page.entries and first:",
        ("tests/arxiv/test_search.py",),
    ),
    # Discovery
    Mutation(
        "generator/checks/turned_down.py",
        "elif day > today:",
        "elif day >= today:",
        ("tests/checks/test_turned_down.py",),
    ),
    Mutation(
        "generator/contribute/candidates.py",
        "            if slug not in without:\n",
        "            if slug:\n",
        ("tests/contribute/test_candidates.py",),
    ),
    Mutation(
        "generator/contribute/record_news.py",
        "if len(named) != 1:",
        "if not named:",
        ("tests/contribute/test_record_news.py",),
    ),
    Mutation(
        "generator/contribute/record_news.py",
        " and paper.venue is None and first <= held",
        " and first <= held",
        ("tests/contribute/test_record_news.py",),
    ),
    # Escaping
    Mutation(
        "generator/escape.py",
        "html.escape(collapse(text), quote=True)",
        "html.escape(collapse(text), quote=False)",
        ("tests/test_escape.py",),
    ),
    Mutation(
        "generator/escape.py",
        ".replace('(', '%28')",
        "",
        ("tests/test_escape.py",),
    ),
    Mutation(
        "generator/escape.py",
        'c if c.isprintable() or c == "\\n"',
        'c if c.isprintable() or c in "\\n\\r"',
        ("tests/test_escape.py",),
    ),
    # Outputs
    Mutation(
        "generator/outputs/citations.py",
        'or " and " in f" {name.casefold()} "',
        "",
        ("tests/outputs/test_bibtex.py", "-k", "name"),
    ),
    Mutation(
        "generator/outputs/exports.py",
        "cells.append(escape.csv_cell(text))",
        "cells.append(text)",
        ("tests/outputs/test_exports.py::test_no_hostile_cell_starts_a_formula",),
    ),
    Mutation(
        "generator/outputs/feeds.py",
        "members[:NEWEST]",
        "members",
        ("tests/outputs/test_feeds.py",),
    ),
    Mutation(
        "generator/outputs/readme.py",
        'if "unlearning" in paper.topics:',
        "if 'unlearning' in paper.topics and not granularity:",
        ("tests/outputs/test_readme.py",),
    ),
    Mutation(
        "generator/outputs/citations.py",
        '{escape.collapse(value)}\\r\\n"',
        '{value}\\r\\n"',
        ("tests/outputs/test_citations.py", "-k", "one_line"),
    ),
    # Views
    Mutation(
        "generator/views/configurations.py",
        "if agrees and (hardware == row.hardware or None in (hardware, row.hardware)):",
        "if agrees:",
        ("tests/views/test_configurations.py",),
    ),
    Mutation(
        "generator/views/configurations.py",
        "result.reported_by or filed.slug",
        "filed.slug",
        ("tests/views/test_configurations.py", "tests/views/test_benchmarks.py"),
    ),
    Mutation(
        "generator/views/configurations.py",
        "left -= min(left, len(group.rows))",
        "pass",
        ("tests/views/test_configurations.py",),
    ),
    Mutation(
        "generator/views/benchmarks.py",
        "reporting[name].add(row.slug)",
        "reporting[name].add(row.anchor)",
        ("tests/views/test_benchmarks.py",),
    ),
    Mutation(
        "generator/views/benchmarks.py",
        "if len(row.result.model) == 1 and len(row.result.dataset) < 2:",
        "if len(row.result.dataset) < 2:",
        ("tests/views/test_benchmarks.py",),
    ),
    Mutation(
        "generator/views/pareto.py",
        "tuple(other) != tuple(mine) and other[0] <= mine[0] and",
        "tuple(other) != tuple(mine) and other[0] < mine[0] and",
        ("tests/views/test_benchmarks.py", "-k", "leads"),
    ),
    Mutation(
        "generator/views/similar.py",
        "candidates.of(slug) - related[slug]",
        "candidates.of(slug) - {slug}",
        ("tests/views/test_similar.py",),
    ),
    Mutation(
        "generator/views/statistics.py",
        "years[-1] - SINGLE_YEARS + 1)",
        "years[-1] - SINGLE_YEARS)",
        ("tests/views/test_statistics.py",),
    ),
)
