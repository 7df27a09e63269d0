from otter.test_files import test_case

OK_FORMAT = False

name = "q2"
points = 15

@test_case(points=2, hidden=False)
def test_name(leaderboard_name):
    assert isinstance(leaderboard_name, str), 'expected a name in quotes'
    assert 0 < len(leaderboard_name) <= 30, f'expected 1 to 30 characters, got {len(leaderboard_name)}'

