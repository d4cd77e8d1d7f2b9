from infra.tags import named


def test_the_name_is_added_and_wins() -> None:
    common = {"team": "ml", "Name": "old"}
    assert named(common, "new", part="network") == {"team": "ml", "part": "network", "Name": "new"}
    assert common["Name"] == "old"
