package page

import "strings"

// formulaSigns are what a spreadsheet begins a formula with, the wide ones of East Asian
// keyboards too, and what it may skip before one.
const formulaSigns = "=+-@\t\r\n＝＋－＠"

// Cell keeps a spreadsheet from reading a text of a table (CSV) as a formula: an apostrophe
// goes before one that it could take for that.
func Cell(text string) string {
	if text != "" && strings.IndexAny(text, formulaSigns) == 0 {
		return "'" + text
	}
	return text
}
