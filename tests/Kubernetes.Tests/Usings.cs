// Most of the time they wait, as pods do before they leave.
[assembly: Xunit.v3.Parallelization(MaxThreads = 3)]
