from load.report import Report


def test_a_report_counts_every_violation_and_keeps_the_first_ones():
    report = Report()
    for number in range(1000):
        report.violate("Ada", f"rule {number}")
    assert report.violations == 1000
    assert report.kept[0] == "Ada: rule 0"
    assert len(report.kept) < 100
    assert "Ada: rule 0" in report.table()
    assert report.as_dict()["violations"] == 1000
