"""Long jobs: plan → work → ingest. The only place that starts processes.

    job.py     what a job is: work in a child, ingest in the app
    folder.py  the files of a run, and what survives a crash
    tail.py    reading a file that still grows
    pool.py    one function over many items, in killable children
    work.py    the worker: plan minus results, one line an item
    local.py   starting and stopping workers on this machine
    run.py     what the app calls: start, follow, cancel, resume
    annotate.py, asking.py, answers.py   models place event times: plan and start, ask, and what came of it
    jobs/      the jobs themselves

Workers never touch the database: they append to `results.jsonl`, and the app ingests those lines, by key.
"""
