package register

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"net/http"
	"time"

	"github.com/preau-ent/preau/internal/page"
)

// export gives the month that the page shows as a table: a workbook, or text separated by
// semicolons and marked as UTF-8, as spreadsheets in French open it.
func (p *Pages) export(w http.ResponseWriter, r *http.Request) error {
	view, err := p.readMonth(r)
	if err != nil {
		return failed(err)
	}
	ctx := r.Context()
	rows := exported(ctx, view)
	var b bytes.Buffer
	media, ending := "text/csv; charset=utf-8", "csv"
	if r.URL.Query().Get("as") == "xlsx" {
		media, ending = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"
		err = writeBook(&b, monthText(ctx, view.Month), head(ctx), rows)
	} else {
		err = writeCSV(&b, head(ctx), rows)
	}
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", `attachment; filename="absences-`+view.Month+`.`+ending+`"`)
	h.Set("Cache-Control", "no-store")
	_, err = w.Write(b.Bytes())
	return err
}

// exportRow is one half-day of one pupil.
type exportRow struct {
	last, first, class string
	day                string // YYYY-MM-DD
	part, sittings     string
	state, reason      string
}

func exported(ctx context.Context, view monthView) (out []exportRow) {
	for _, one := range view.Pupils {
		for _, h := range one.Half {
			out = append(out, exportRow{one.Pupil.LastName, one.Pupil.FirstName, one.Class, h.Day(), page.Plain(partText(ctx, h.Half)),
				page.Plain(sittingsText(h)), page.Plain(stateText(ctx, h.State)), page.Plain(reasonText(ctx, view.Region, h.Reason))})
		}
	}
	return out
}

func writeCSV(w io.Writer, head []string, rows []exportRow) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.Comma, out.UseCRLF = ';', true
	all := [][]string{head}
	for _, r := range rows {
		all = append(all, []string{page.Cell(r.last), page.Cell(r.first), page.Cell(r.class), r.day, r.part, page.Cell(r.sittings), r.state, r.reason})
	}
	return out.WriteAll(all)
}

func writeBook(w io.Writer, name string, head []string, rows []exportRow) error {
	b := newWorkbook(w, page.Plain(name), head)
	for _, r := range rows {
		day, err := time.Parse(time.DateOnly, r.day)
		if err != nil {
			return err
		}
		b.row(r.last, r.first, r.class, day, r.part, r.sittings, r.state, r.reason)
	}
	return b.close()
}

func head(ctx context.Context) []string {
	var out []string
	for _, name := range []string{"last", "first", "class", "day", "part", "sittings", "state", "reason"} {
		out = append(out, page.Plain(page.T(ctx, "register.csv."+name)))
	}
	return out
}
