package ladder

import "unicode"

// A glyph is what stands in one cell of a terminal, or in two: a character
// with the marks that are set on it.
type glyph struct {
	text  string
	cells int
}

// Ours: text with more marks on one character is no writing.
const marksMax = 2

// wide are the scripts and symbols that take two cells.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, // Hangul
		{Lo: 0x2e80, Hi: 0x303e, Stride: 1}, // CJK radicals and punctuation
		{Lo: 0x3041, Hi: 0x33ff, Stride: 1}, // Kana, Bopomofo, CJK letters
		{Lo: 0x3400, Hi: 0x4dbf, Stride: 1}, // Han
		{Lo: 0x4e00, Hi: 0xa4cf, Stride: 1}, // Han, Yi
		{Lo: 0xa960, Hi: 0xa97f, Stride: 1}, // Hangul
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, // Hangul
		{Lo: 0xf900, Hi: 0xfaff, Stride: 1}, // Han
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1}, // CJK forms
		{Lo: 0xff00, Hi: 0xff60, Stride: 1}, // full width
		{Lo: 0xffe0, Hi: 0xffe6, Stride: 1}, // full width
	},
	R32: []unicode.Range32{
		{Lo: 0x16fe0, Hi: 0x18cff, Stride: 1}, // Tangut, Khitan
		{Lo: 0x1b000, Hi: 0x1b2ff, Stride: 1}, // Kana
		{Lo: 0x1f300, Hi: 0x1f64f, Stride: 1}, // pictures
		{Lo: 0x1f680, Hi: 0x1f6ff, Stride: 1}, // pictures
		{Lo: 0x1f900, Hi: 0x1faff, Stride: 1}, // pictures
		{Lo: 0x20000, Hi: 0x3fffd, Stride: 1}, // Han
	},
}

// glyphs cuts escaped text into what stands in one place.
func glyphs(s string) []glyph {
	var all []glyph
	marks := 0
	for i, r := range s {
		text := s[i : i+len(string(r))]
		switch {
		case unicode.Is(unicode.M, r) && len(all) > 0:
			if marks++; marks <= marksMax {
				all[len(all)-1].text += text
			}
			continue
		case unicode.Is(wide, r):
			all = append(all, glyph{text, 2})
		default:
			all = append(all, glyph{text, 1})
		}
		marks = 0
	}
	return all
}

// cellsOf returns how many cells s takes.
func cellsOf(s string) int {
	n := 0
	for _, g := range glyphs(s) {
		n += g.cells
	}
	return n
}

// fit returns s, or as much of it as goes into cells with … behind it.
func fit(s string, cells int) (fitting string, whole bool) {
	switch {
	case cellsOf(s) <= cells:
		return s, true
	case cells <= 0:
		return "", false
	}
	return cutCells(s, cells-1) + "…", false
}

// cutCells returns the longest beginning of s that goes into cells.
func cutCells(s string, cells int) string {
	n, end := 0, 0
	for i, r := range s {
		w := 1
		switch {
		case unicode.Is(unicode.M, r) && i > 0:
			w = 0
		case unicode.Is(wide, r):
			w = 2
		}
		if n += w; n > cells {
			return s[:end]
		}
		end = i + len(string(r))
	}
	return s
}
