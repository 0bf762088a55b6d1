package contract

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden messages anew; read the difference before keeping it")

// TestBroken holds the messages of broken documents against what they should
// say. An overlay stands beside its document as NAME.overlay.yaml.
func TestBroken(t *testing.T) {
	files, err := filepath.Glob("testdata/load/broken/*.*")
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) File {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return File{Name: filepath.Base(name), Data: data}
	}
	walked := 0
	for _, name := range files {
		stem, ext := strings.TrimSuffix(name, filepath.Ext(name)), filepath.Ext(name)
		if ext == ".golden" || strings.HasSuffix(stem, ".overlay") {
			continue
		}
		walked++
		t.Run(filepath.Base(name), func(t *testing.T) {
			var overlays []File
			if over := stem + ".overlay.yaml"; exists(over) {
				overlays = append(overlays, read(over))
			}
			api, err := Load(read(name), Options{Roles: []string{"member", "manager", "admin"}}, overlays...)
			if err == nil || api != nil {
				t.Fatalf("loaded: %v", api)
			}
			for _, i := range err.(Issues) {
				if i.File == "" || i.Line == 0 || i.Code == "" || i.What == "" || i.Why == "" || i.Fix == "" || i.Excerpt == "" {
					t.Errorf("an issue without file, line, code, what, why, fix or excerpt: %+v", i)
				}
			}
			golden := stem + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want := string(read(golden).Data)
			if got := err.Error() + "\n"; got != want {
				t.Errorf("the messages differ\n--- got\n%s\n--- want\n%s", got, want)
			}
		})
	}
	if walked == 0 {
		t.Fatal("no broken document was found")
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
