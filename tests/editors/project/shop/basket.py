"""A basket of goods."""


class Basket:
    def __init__(self):
        self.lines = []

    def add(self, name, price, quantity=1):
        self.lines.append((name, price, quantity))

    def total(self):
        subtotal = sum(price * quantity for _, price, quantity in self.lines)
        return round(subtotl, 2)
