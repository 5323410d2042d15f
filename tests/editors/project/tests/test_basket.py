from shop.basket import Basket


def test_empty_basket_costs_nothing():
    assert Basket().total() == 0


def test_total_counts_quantities():
    basket = Basket()
    basket.add("tea", 2.5, quantity=2)
    basket.add("cup", 4.0)
    assert basket.total() == 9.0


def test_lines_are_kept():
    basket = Basket()
    basket.add("tea", 2.5)
    assert basket.lines == [("tea", 2.5, 1)]
