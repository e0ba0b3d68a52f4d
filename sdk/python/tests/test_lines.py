import unittest

from kfbasicpy.host.console import _text as text_of
from kfbasicpy.host.lines import MAX_PIECE, Lines


class LinesTest(unittest.TestCase):
    def setUp(self):
        self.found = []
        self.lines = Lines(self.found.append, 1)
        self.text = text_of(self.lines)

    def test_emits_lines_in_order_whatever_the_pieces_they_come_in(self):
        for piece in ("a", "b\nc", "\n", "\n", "d\ne\nf"):
            self.text.write(piece)
        self.lines.end_line()
        self.lines.end_line()
        self.assertEqual(self.found, ["ab", "c", "", "d", "e", "f"])

    def test_cuts_a_long_line_into_pieces_between_characters(self):
        for character in ("x", "é", "€", "😀"):
            for write in (lambda text: self.text.write(text), lambda text: [self.text.write(each) for each in text]):
                self.found.clear()
                text = character * (3 * MAX_PIECE // len(character.encode()) + 7)
                write(text)
                write("\nnext\n")
                self.assertEqual("".join(self.found[:-1]), text)
                self.assertEqual(self.found[-1], "next")
                self.assertTrue(all(len(each.encode()) <= MAX_PIECE for each in self.found))
                self.assertLessEqual(len(self.found), 7)

    def test_holds_one_piece_at_most(self):
        for _ in range(5 * MAX_PIECE):
            self.text.write(".")
            self.assertLessEqual(len(self.lines._rest), MAX_PIECE)
        self.assertEqual("".join(self.found) + self.lines._rest.decode(), "." * 5 * MAX_PIECE)

    def test_keeps_bytes_that_are_not_utf8(self):
        self.text.buffer.write(b"a\xffb\n")
        self.assertEqual(self.found, ["a\\xffb"])

    def test_drops_what_is_below_the_threshold(self):
        quiet = text_of(Lines(None, 1))
        self.assertEqual(quiet.write("a\nb"), 3)


if __name__ == "__main__":
    unittest.main()
