// Package papertest reads back the letters that package paper writes.
package papertest

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"
)

// Pages reads a PDF back: the text of each page, from what is drawn on it and the table
// that says which character each glyph is. It knows our files, not every PDF.
func Pages(t testing.TB, file []byte) (out []string) {
	t.Helper()
	// Every font must say that its glyphs are numbered by their characters.
	fonts, tables := bytes.Count(file, []byte("/Encoding /Identity-H")), bytes.Count(file, []byte("<0000> <FFFF> <0000>"))
	if fonts != 2 || tables != 2 {
		t.Fatalf("%d fonts, %d tables of characters", fonts, tables)
	}
	for _, stream := range regexp.MustCompile(`(?s)stream\n(.*?)\nendstream`).FindAllSubmatch(file, -1) {
		if !bytes.Contains(stream[1], []byte(")Tj")) {
			continue
		}
		var lines []string
		for _, drawn := range regexp.MustCompile(`(?s)\(((?:[^()\\]|\\.)*)\) ?Tj`).FindAllSubmatch(stream[1], -1) {
			raw := regexp.MustCompile(`(?s)\\(.)`).ReplaceAllFunc(drawn[1], func(b []byte) []byte {
				if b[1] == 'r' {
					return []byte("\r")
				}
				return b[1:]
			})
			var units []uint16
			for i := 0; i+1 < len(raw); i += 2 {
				units = append(units, uint16(raw[i])<<8|uint16(raw[i+1]))
			}
			lines = append(lines, string(utf16.Decode(units)))
		}
		out = append(out, strings.Join(strings.Fields(strings.ReplaceAll(strings.Join(lines, " "), "\u00a0", " ")), " "))
	}
	return out
}
