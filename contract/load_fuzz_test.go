package contract

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzLoad holds Load against what it promises of any input: it ends, its
// errors are Issues that say where and what, and a contract that loads can be
// served and loaded again.
func FuzzLoad(f *testing.F) {
	seeds := 0
	for _, glob := range []string{"testdata/load/*.*", "testdata/load/broken/*.yaml", "testdata/load/broken/*.json"} {
		files, err := filepath.Glob(glob)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data, "GET /notes: { access: public }\n")
			seeds++
		}
	}
	if seeds == 0 {
		f.Fatal("the corpus is empty")
	}
	f.Add(doc31("  /a: { get: { x-gatehouse: { access: public } } }\n").Data, "\"*\": { limit: 1/1s }\nGET /a: { body: 1KB }\n")
	f.Add(doc31("  /a: &a { get: { x-gatehouse: &x { access: public } } }\n  /b: { <<: *a }\n").Data, "")
	f.Fuzz(func(t *testing.T, doc []byte, overlay string) {
		if len(doc) > 1<<14 || len(overlay) > 1<<12 {
			return
		}
		overlays := []File{{Name: "o", Data: []byte(overlay)}}
		if strings.TrimSpace(overlay) == "" {
			overlays = nil
		}
		api, err := Load(File{Name: "d.yaml", Data: doc}, Options{Environment: "test"}, overlays...)
		if err != nil {
			checkIssues(t, err)
			return
		}
		if _, err := NewTable(api); err != nil {
			t.Fatalf("loads, and makes no table: %v", err)
		}
		if len(api.Operations) == 0 {
			return
		}
		again, err := Load(File{Name: "d.yaml", Data: api.Document}, Options{Environment: "test"})
		if err != nil {
			t.Fatalf("the served document does not load: %v\n%s", err, api.Document)
		}
		if len(again.Operations) != len(api.Operations) {
			t.Fatalf("%d operations, and %d loaded again", len(api.Operations), len(again.Operations))
		}
	})
}

func checkIssues(t *testing.T, err error) {
	t.Helper()
	issues, ok := err.(Issues)
	if !ok || len(issues) == 0 {
		t.Fatalf("the error is %T: %v", err, err)
	}
	for _, i := range issues {
		if i.File == "" || i.Code == "" || i.What == "" || i.Why == "" || i.Fix == "" {
			t.Fatalf("an issue without file, code, what, why or fix: %+v", i)
		}
	}
}
