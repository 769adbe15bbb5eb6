package workbook

import (
	"regexp"
	"strconv"
	"unicode"
	"unicode/utf16"
)

// spelt are signs that a workbook spells by their number in UTF-16, one beside the other where
// a sign takes two: _x000D_, _x00E9_ (ECMA-376, 22.9.2.19).
var spelt = regexp.MustCompile(`(?:_x[0-9A-Fa-f]{4}_)+`)

// unspelt is a text as a person sees it. What spells no sign that is seen stays as it is.
func unspelt(s string) string {
	return spelt.ReplaceAllStringFunc(s, func(run string) string {
		const one = len("_x0000_")
		var units []uint16
		for i := 0; i < len(run); i += one {
			n, err := strconv.ParseUint(run[i+2:i+6], 16, 16)
			if err != nil {
				return run
			}
			units = append(units, uint16(n))
		}
		out := utf16.Decode(units)
		for _, r := range out {
			if r == unicode.ReplacementChar || !unicode.IsGraphic(r) && !unicode.IsSpace(r) {
				return run
			}
		}
		return string(out)
	})
}
