package door

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

// nodeRow is what a node told last.
type nodeRow struct {
	bun.BaseModel `bun:"table:door_nodes,alias:n"`

	Node  string `bun:",pk"`
	At    time.Time
	State string
}

// Exchange tells the other nodes of this database what this one knows of the line, and hears
// them. node is this one's name, another at each start. The order among the nodes is that of
// their names.
func (d *Door) Exchange(ctx context.Context, db *database.DB, node string) error {
	state, err := d.Tell()
	if err != nil {
		return err
	}
	now := database.Stamp(d.now())
	var rows []nodeRow
	err = db.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		row := nodeRow{Node: node, At: now, State: string(state)}
		if _, err := tx.NewInsert().Model(&row).On(`CONFLICT (node) DO UPDATE`).Set("at = EXCLUDED.at").Set("state = EXCLUDED.state").Exec(ctx); err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model((*nodeRow)(nil)).Where("at < ?", now.Add(-time.Minute)).Exec(ctx); err != nil {
			return err
		}
		return tx.NewSelect().Model(&rows).Where("n.node <> ? AND n.at > ?", node, now.Add(-heardFor)).Scan(ctx)
	})
	if err != nil {
		// Nobody is heard: this node goes on alone.
		_ = d.Hear(nil, false)
		return fmt.Errorf("door: %w", err)
	}
	var told [][]byte
	lead := false
	for _, r := range rows {
		told, lead = append(told, []byte(r.State)), lead || r.Node < node
	}
	return d.Hear(told, lead)
}
