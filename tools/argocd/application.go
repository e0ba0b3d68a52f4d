package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// trackingAnnotation marks the objects of an Application, as Argo CD 3 does by default.
const trackingAnnotation = "argocd.argoproj.io/tracking-id"

// application holds the fields of an Application that this program acts on; others are refused.
type application struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace"`
		Annotations map[string]string `json:"annotations"`
		Finalizers  []string          `json:"finalizers"`
	} `json:"metadata"`
	Spec struct {
		Project string `json:"project"`
		Source  struct {
			RepoURL        string `json:"repoURL"`
			TargetRevision string `json:"targetRevision"`
			Path           string `json:"path"`
		} `json:"source"`
		Destination struct {
			Server    string `json:"server"`
			Namespace string `json:"namespace"`
		} `json:"destination"`
		SyncPolicy syncPolicy `json:"syncPolicy"`
	} `json:"spec"`
	folder string
}

type syncPolicy struct {
	Automated *struct {
		Prune    bool `json:"prune"`
		SelfHeal bool `json:"selfHeal"`
	} `json:"automated"`
	ManagedNamespaceMetadata *struct {
		Labels map[string]string `json:"labels"`
	} `json:"managedNamespaceMetadata"`
	Retry *struct {
		Limit   int  `json:"limit"`
		Refresh bool `json:"refresh"`
		Backoff struct {
			Duration    string  `json:"duration"`
			Factor      float64 `json:"factor"`
			MaxDuration string  `json:"maxDuration"`
		} `json:"backoff"`
	} `json:"retry"`
	SyncOptions []string `json:"syncOptions"`
}

func (p syncPolicy) has(option string) bool { return slices.Contains(p.SyncOptions, option) }

func (p syncPolicy) prunes() bool { return p.Automated != nil && p.Automated.Prune }

// retryLimit is the number of attempts after the first one; negative, any number.
func (p syncPolicy) retryLimit() int {
	if p.Retry == nil {
		return 0
	}
	return p.Retry.Limit
}

// backoff is the delay before a retry, counted from 0. Argo CD's defaults are 5s, 2 and 3m.
func (p syncPolicy) backoff(retry int) (time.Duration, error) {
	base, factor, longest := "5s", 2.0, "3m"
	if given := p.Retry.Backoff; given.Duration != "" {
		base = given.Duration
	}
	if given := p.Retry.Backoff; given.Factor != 0 {
		factor = given.Factor
	}
	if given := p.Retry.Backoff; given.MaxDuration != "" {
		longest = given.MaxDuration
	}
	delay, err := time.ParseDuration(base)
	if err != nil {
		return 0, err
	}
	limit, err := time.ParseDuration(longest)
	if err != nil {
		return 0, err
	}
	for range retry {
		delay = time.Duration(float64(delay) * factor)
	}
	return min(delay, limit), nil
}

// usesServerSideDiff tells whether differences are found by a dry run of the API server.
func (a *application) usesServerSideDiff() bool {
	return strings.Contains(a.Metadata.Annotations[compareOptions], "ServerSideDiff=true")
}

func readApplication(file, repository string) (*application, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	app := &application{}
	if err := yaml.UnmarshalStrict(text, app); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if app.Kind != "Application" || app.Metadata.Name == "" || app.Spec.Destination.Namespace == "" {
		return nil, fmt.Errorf("%s: no Application with a name and a destination namespace", file)
	}
	app.folder = filepath.Join(repository, app.Spec.Source.Path)
	return app, nil
}

// manifests reads the YAML and JSON files of the folder, not of folders below it, and marks the objects as the Application's.
func (a *application) manifests() ([]*unstructured.Unstructured, error) {
	entries, err := os.ReadDir(a.folder)
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	for _, entry := range entries {
		if entry.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(entry.Name())) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(a.folder, entry.Name()))
		if err != nil {
			return nil, err
		}
		found, err := kube.SplitYAML(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name(), err)
		}
		objects = append(objects, found...)
	}
	for _, object := range objects {
		annotations := object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[trackingAnnotation] = a.trackingID(object)
		object.SetAnnotations(annotations)
	}
	return objects, nil
}

func (a *application) trackingID(object *unstructured.Unstructured) string {
	group, namespace := object.GroupVersionKind().Group, object.GetNamespace()
	if namespace == "" {
		namespace = a.Spec.Destination.Namespace
	}
	return fmt.Sprintf("%s:%s/%s:%s/%s", a.Metadata.Name, group, object.GetKind(), namespace, object.GetName())
}
