package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadmeCommands runs every command of the README's shell blocks, in their
// order, in a copy of nothing but the module: the demo in the background where
// a block needs it, and make test by its parts, for it is what runs this test.
func TestReadmeCommands(t *testing.T) {
	commands := commandsOf(t, "README.md")
	if len(commands) != 9 {
		t.Errorf("the README has %d commands, this test knows 9: %q", len(commands), commands)
	}
	p := demo(t, "--seed", "test")
	data := t.TempDir()
	for _, c := range commands {
		t.Run(c, func(t *testing.T) {
			switch c {
			case "go run ./cmd/gatehouse demo":
				t.Logf("the built demo was ready after %v", p.started)
				return
			case "make test":
				c = "make --dry-run test"
			}
			c = strings.ReplaceAll(c, "http://localhost:8001", p.url)
			c = strings.ReplaceAll(c, "bin/gatehouse", binary)
			c = strings.ReplaceAll(c, "-o bin/", "-o "+data+"/")
			cmd := exec.Command("sh", "-c", c)
			cmd.Dir = root()
			cmd.Env = append(os.Environ(), "GATEHOUSE_DATA="+filepath.Join(data, "data"), "GATEHOUSE_ENV=development")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			for command, said := range map[string]string{
				"/api/days": `"Monday"`, "/api/appointments/2": "interview.interviewer", "/api/nothing": "404",
				"gatehouse routes": "/api/appointments/{id}", "member add": "ada@example.org",
			} {
				if strings.Contains(c, command) && !strings.Contains(string(out), said) {
					t.Errorf("it did not say %q:\n%s", said, out)
				}
			}
		})
	}
}
