package register

import (
	"archive/zip"
	"encoding/xml"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A workbook of one sheet, as ECMA-376 has it at its smallest: written row by row, each cell a
// text or a date and never a formula, so that nothing of a name is ever worked out.

// Parts of the workbook that do not depend on what is in it. Style 1 is a date, 2 a title.
const (
	bookTypes = xml.Header + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>`
	bookRoot  = xml.Header + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	bookParts = xml.Header + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>`
	bookStyle = xml.Header + `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf fontId="0"/><xf numFmtId="14" fontId="0" applyNumberFormat="1"/><xf fontId="1" applyFont="1"/></cellXfs></styleSheet>`
	sheetHead = xml.Header + `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols><col min="1" max="8" width="18" customWidth="1"/></cols><sheetData>`
	sheetTail = `</sheetData></worksheet>`
)

// workbook is being written: rows first to last, then close.
type workbook struct {
	zip   *zip.Writer
	sheet io.Writer
	rows  int
	err   error
}

// newWorkbook begins one, whose only sheet has a name and a row of titles.
func newWorkbook(w io.Writer, name string, titles []string) *workbook {
	b := &workbook{zip: zip.NewWriter(w)}
	for _, part := range [][2]string{{"[Content_Types].xml", bookTypes}, {"_rels/.rels", bookRoot}, {"xl/_rels/workbook.xml.rels", bookParts}, {"xl/styles.xml", bookStyle},
		{"xl/workbook.xml", xml.Header + `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="` + escaped(name) + `" sheetId="1" r:id="rId1"/></sheets></workbook>`}} {
		b.sheet, b.err = b.create(part[0])
		b.write(part[1])
	}
	b.sheet, b.err = b.create("xl/worksheets/sheet1.xml")
	b.write(sheetHead)
	b.begin()
	for _, t := range titles {
		b.write(`<c t="inlineStr" s="2"><is><t xml:space="preserve">` + escaped(t) + `</t></is></c>`)
	}
	b.write(`</row>`)
	return b
}

func (b *workbook) create(name string) (io.Writer, error) {
	if b.err != nil {
		return nil, b.err
	}
	return b.zip.Create(name)
}

func (b *workbook) begin() {
	b.rows++
	b.write(`<row r="` + strconv.Itoa(b.rows) + `">`)
}

// row adds one: a time.Time is a date, a string a text.
func (b *workbook) row(cells ...any) {
	b.begin()
	for _, c := range cells {
		switch c := c.(type) {
		case time.Time:
			b.write(`<c s="1"><v>` + strconv.Itoa(serial(c)) + `</v></c>`)
		case string:
			b.write(`<c t="inlineStr"><is><t xml:space="preserve">` + escaped(c) + `</t></is></c>`)
		}
	}
	b.write(`</row>`)
}

func (b *workbook) write(s string) {
	if b.err == nil {
		_, b.err = io.WriteString(b.sheet, s)
	}
}

// close ends it, and says what went wrong.
func (b *workbook) close() error {
	b.write(sheetTail)
	if b.err != nil {
		return b.err
	}
	return b.zip.Close()
}

// serial is a day as spreadsheets count it: since the eve of 1900, and one more for a 29
// February that 1900 did not have.
func serial(day time.Time) int {
	y, m, d := day.Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Sub(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)).Hours() / 24)
}

// byNumber is a sign as workbooks spell it: _x003D_ is shown as an equals sign.
var byNumber = regexp.MustCompile(`^_x[0-9A-Fa-f]{4}_`)

// escaped is a text inside the workbook's XML: what XML cannot say becomes U+FFFD, and what looks
// like a sign spelt by its number stays what it is.
func escaped(s string) string {
	var b strings.Builder
	from := 0
	for i := range len(s) {
		if s[i] == '_' && byNumber.MatchString(s[i:]) {
			_ = xml.EscapeText(&b, []byte(s[from:i])) // into memory
			b.WriteString("_x005F_")
			from = i + 1
		}
	}
	_ = xml.EscapeText(&b, []byte(s[from:]))
	return b.String()
}
