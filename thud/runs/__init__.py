"""Long jobs: plan → work → ingest. The only place that starts processes.

    job.py     what a job is: work in a child, ingest in the app
    folder.py  the files of a run, and what survives a crash
    tail.py    reading a file that still grows
    pool.py    one function over many items, in killable children
    work.py    the worker: plan minus results, one line an item
    local.py   starting and stopping workers on this machine
    queue.py   runs that wait for a device
    run.py     what the app calls: start, follow, cancel, resume
    chain.py   steps that follow one another by themselves, each a run; chain_steps.py: what a step can be
    training/  training runs; trainer.py, train_files.py: their child and what it writes; checker.py: whether one can go
    annotate.py, asking.py, answers.py   models place event times: plan and start, ask, and what came of it
    jobs/      the jobs themselves

Workers never touch the database: they append to `results.jsonl`, and the app ingests those lines, by key.
"""
