"""The kill test of the service: two processes that serve and two that only work, on one PostgreSQL, under load.

`python -m evals.chaos.service` (part of `make chaos`). In each round several clients have the flagship goal carried out and follow it;
meanwhile one of the processes is killed with SIGKILL, or PostgreSQL is stopped and started again. Every run must end, nothing may be
done twice, another process must take over within 20 s, and what a client follows must go on without a gap. POSIX only.
"""
