package apps

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

// TestEveryColumnHasItsClass compares the page on data with the tables (ASVS 5.0
// 14.1.1): whoever adds a column says how it is protected.
func TestEveryColumnHasItsClass(t *testing.T) {
	s := storetest.Open(t, store.SQLite, Schemas())
	var have []string
	err := s.Read(t.Context(), store.System(), func(tx *store.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT t.name || '.' || c.name FROM sqlite_master t, pragma_table_info(t.name) c
			WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE 'schema_%'`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			have = append(have, name)
		}
		return rows.Err()
	})
	if err != nil || len(have) < 60 {
		t.Fatalf("%d columns, %v", len(have), err)
	}
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", "keys-and-data.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, class := range []string{"secret", "personal", "public", "internal"} {
		if !regexp.MustCompile(`(?m)^\| ` + class + ` \|( [^|]+ \|){5}$`).Match(data) {
			t.Errorf("the page does not say how what is %s is protected", class)
		}
	}
	_, table, _ := strings.Cut(string(data), "<!-- data -->\n")
	table, _, _ = strings.Cut(table, "<!-- end -->")
	var listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (.*) \\| (?:secret|personal|public|internal) \\|$").FindAllStringSubmatch(table, -1) {
		for _, column := range regexp.MustCompile(`\w+`).FindAllString(row[2], -1) {
			listed = append(listed, row[1]+"."+column)
		}
	}
	slices.Sort(have)
	slices.Sort(listed)
	for _, name := range have {
		if i, found := slices.BinarySearch(listed, name); !found || i+1 < len(listed) && listed[i+1] == name {
			t.Errorf("%s has no class on the page, or two", name)
		}
	}
	for _, name := range listed {
		if !slices.Contains(have, name) {
			t.Errorf("%s is on the page and in no table", name)
		}
	}
}
