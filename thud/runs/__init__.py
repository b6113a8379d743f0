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
    asking.py  how workers ask models, whatever they ask; batch.py: by the vendors' batches
    sources.py, first_start.py   what there is to take in, and what a new workspace gets by itself

    jobs/        the jobs themselves, a file each; what plans and starts them is in the other rooms:
    annotating/  event times and described stretches
    listening/   asking listeners and judges, and the controls beside their scores
    pairs/       pair sets
    trainer/     one trainer as a child process
    training/    training runs, as the Train page and the shell use them
    clusters/    workers on other machines

Workers never touch the database: they append to `results.jsonl`, and the app ingests those lines, by key.
"""
