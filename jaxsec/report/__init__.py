"""What commands and benchmarks report: statistics, times, tables, pictures."""
