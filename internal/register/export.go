package register

import (
	"bytes"
	"context"
	"encoding/csv"
	"net/http"
	"strings"

	"github.com/preau-ent/preau/internal/page"
)

// export gives the month that the page shows as a table: separated by semicolons and marked as
// UTF-8, as spreadsheets in French open it.
func (p *Pages) export(w http.ResponseWriter, r *http.Request) error {
	view, err := p.readMonth(r)
	if err != nil {
		return failed(err)
	}
	ctx := r.Context()
	b := bytes.NewBufferString("\ufeff")
	out := csv.NewWriter(b)
	out.Comma, out.UseCRLF = ';', true
	rows := [][]string{head(ctx)}
	for _, one := range view.Pupils {
		for _, h := range one.Half {
			rows = append(rows, []string{cell(one.Pupil.LastName), cell(one.Pupil.FirstName), cell(one.Class), h.Day(), page.Plain(partText(ctx, h.Half)),
				cell(page.Plain(sittingsText(h))), page.Plain(stateText(ctx, h.State)), page.Plain(reasonText(ctx, view.Region, h.Reason))})
		}
	}
	if err := out.WriteAll(rows); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="absences-`+view.Month+`.csv"`)
	h.Set("Cache-Control", "no-store")
	_, err = w.Write(b.Bytes())
	return err
}

func head(ctx context.Context) []string {
	var out []string
	for _, name := range []string{"last", "first", "class", "day", "part", "sittings", "state", "reason"} {
		out = append(out, page.Plain(page.T(ctx, "register.csv."+name)))
	}
	return out
}

// cell keeps a spreadsheet from reading a name as a formula.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
