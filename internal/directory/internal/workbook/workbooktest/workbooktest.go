// Package workbooktest makes workbooks for tests: small ones of given cells, and ones with
// any part replaced.
package workbooktest

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
)

// Parts is a workbook of one sheet, called Feuil1, whose rows are this XML.
func Parts(sheetData string) map[string]string {
	return map[string]string{
		"[Content_Types].xml":        `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"></Types>`,
		"_rels/.rels":                `<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml":            `<workbook xmlns:r="r"><sheets><sheet name="Feuil1" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="rId1" Type="http://x/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://x/styles" Target="styles.xml"/><Relationship Id="rId3" Type="http://x/sharedStrings" Target="/xl/sharedStrings.xml"/></Relationships>`,
		"xl/styles.xml":              `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/><numFmt numFmtId="165" formatCode="0000000000"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>`,
		"xl/sharedStrings.xml":       `<sst><si><t>Nom</t></si><si><r><t>Pré</t></r><r><t>nom</t></r><rPh><t>ignored</t></rPh></si></sst>`,
		"xl/worksheets/sheet1.xml":   `<worksheet><sheetData>` + sheetData + `</sheetData></worksheet>`,
	}
}

// Zip packs parts.
func Zip(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range parts {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Texts is a workbook whose cells are texts.
func Texts(t testing.TB, rows ...[]string) []byte {
	t.Helper()
	var b strings.Builder
	for n, row := range rows {
		fmt.Fprintf(&b, `<row r="%d">`, n+1)
		for _, cell := range row {
			b.WriteString(`<c t="inlineStr"><is><t>`)
			if err := xml.EscapeText(&b, []byte(cell)); err != nil {
				t.Fatal(err)
			}
			b.WriteString(`</t></is></c>`)
		}
		b.WriteString("</row>")
	}
	return Zip(t, Parts(b.String()))
}
