// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Many threads do anything to a card, on files that they share, with handles that
 * another thread may be giving back. Whatever happens to the device meanwhile, each
 * call must return, and the process must be able to end.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm_fourcc.h>

#include "kmspaint.h"

/*
 * What bounds the memory of a storm, together with takes_much_memory(): 200 MB, were
 * all buffers of 1 MB, all kept, and each thread about to close a file full of them.
 */
#define FILES		4
#define KEPT		6
#define MAX_THREADS	64
#define MAX_IDS		64
#define MAX_PROPS	256

/* Ids of a card. A new device of the same driver has the same ones. */
static struct {
	uint32_t crtcs[MAX_IDS], connectors[MAX_IDS], planes[MAX_IDS];
	unsigned int num_crtcs, num_connectors, num_planes;
	struct {
		uint32_t object, type, prop;
	} props[MAX_PROPS];
	unsigned int num_props;
	drmModeModeInfo mode;
} ids;

/* What threads take and give back without asking each other. */
static struct file {
	atomic_int fd;
	atomic_uint handles[KEPT], fbs[KEPT];
	atomic_int dmabufs[KEPT];
} files[FILES];

struct thread {
	pthread_t id;
	uint64_t random;
	/* the call that is under way, and when it began; 0 when there is none */
	const char *volatile doing;
	atomic_ullong began;
	unsigned int calls;
};

static struct thread threads[MAX_THREADS];
static atomic_bool stop;
static const char *card;

/* --- choices ---------------------------------------------------------------- */

static uint32_t any(struct thread *t, uint32_t below)
{
	t->random = t->random * 6364136223846793005ull + 1442695040888963407ull;
	return (t->random >> 33) % below;
}

static uint32_t any_number(struct thread *t)
{
	static const uint32_t edges[] = {
		0, 1, 2, 3, 7, 63, 64, 255, 256, 4095, 4096, 65535, 65536,
		1u << 27, 1u << 30, 1u << 31, ~0u - 1, ~0u,
	};

	if (any(t, 2))
		return edges[any(t, ARRAY_SIZE(edges))];
	return any(t, 2) ? any(t, 2048) : any(t, 1u << 31) * 2 + any(t, 2);
}

static uint64_t any_value(struct thread *t)
{
	return any(t, 4) ? any_number(t) : (uint64_t)any_number(t) << 32 | any_number(t);
}

/* Mostly one that there is. */
static uint32_t any_id(struct thread *t, const uint32_t *list, unsigned int count)
{
	return count && any(t, 16) ? list[any(t, count)] : any(t, 256);
}

static uint32_t kept(struct thread *t, atomic_uint *list)
{
	return any(t, 16) ? atomic_load(&list[any(t, KEPT)]) : any(t, 64);
}

static struct file *any_file(struct thread *t)
{
	return &files[any(t, FILES)];
}

/* Puts it into the list; what was there before is the caller's. */
static uint32_t keep(struct thread *t, atomic_uint *list, uint32_t value)
{
	return atomic_exchange(&list[any(t, KEPT)], value);
}

/* --- calls --------------------------------------------------------------------- */

static int call(struct thread *t, const char *what, int fd, unsigned long request, void *arg)
{
	int ret;

	t->doing = what;
	t->began = now_ns();
	ret = ioctl(fd, request, arg) ? -errno : 0;
	t->began = 0;
	t->calls++;
	return ret;
}

/* All that was the file's goes with it, or lingers if a thread is in a call. */
static void op_reopen(struct thread *t, struct file *f)
{
	int fd = card_open(card, O_NONBLOCK), old;

	if (fd < 0)
		return;
	drmSetClientCap(fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1);
	if (any(t, 2))
		drmSetClientCap(fd, DRM_CLIENT_CAP_ATOMIC, 1);
	old = atomic_exchange(&f->fd, fd);
	t->doing = "close";
	t->began = now_ns();
	if (old >= 0)
		close(old);
	t->began = 0;
	t->calls++;
}

static void keep_dmabuf(struct thread *t, struct file *f, int fd)
{
	int old = atomic_exchange(&f->dmabufs[any(t, KEPT)], fd);

	if (old >= 0)
		close(old);
}

static void op_close_dmabuf(struct thread *t, struct file *f)
{
	keep_dmabuf(t, f, -1);
}

static void destroy(struct thread *t, struct file *f, uint32_t handle)
{
	struct drm_mode_destroy_dumb arg = { .handle = handle };

	call(t, "DESTROY_DUMB", f->fd, DRM_IOCTL_MODE_DESTROY_DUMB, &arg);
}

/* Up to 1 MB does not, and more than the guest has is refused. */
static bool takes_much_memory(const struct drm_mode_create_dumb *arg)
{
	uint64_t bytes = (uint64_t)arg->width * arg->height * ((arg->bpp + 7ull) / 8);
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * PAGE;

	return bytes > 1 << 20 && bytes < memory;
}

/* A handle that nobody knows any more would stay until its file is closed. */
static void keep_handle(struct thread *t, struct file *f, uint32_t handle)
{
	uint32_t old = keep(t, f->handles, handle);

	if (old)
		destroy(t, f, old);
}

static void op_create(struct thread *t, struct file *f)
{
	bool odd = !any(t, 4);
	struct drm_mode_create_dumb arg = {
		.width = odd ? any_number(t) : 1 + any(t, 512),
		.height = odd ? any_number(t) : 1 + any(t, 384),
		.bpp = any(t, 4) ? 32 : any_number(t),
	};

	if (takes_much_memory(&arg))
		arg.height = 1;
	if (!call(t, "CREATE_DUMB", f->fd, DRM_IOCTL_MODE_CREATE_DUMB, &arg))
		keep_handle(t, f, arg.handle);
}

static void op_destroy(struct thread *t, struct file *f)
{
	destroy(t, f, kept(t, f->handles));
}

static void op_gem_close(struct thread *t, struct file *f)
{
	struct drm_gem_close arg = { .handle = kept(t, f->handles) };

	call(t, "GEM_CLOSE", f->fd, DRM_IOCTL_GEM_CLOSE, &arg);
}

/* Its own mapping only, which nothing may take from it. */
static void op_mmap(struct thread *t, struct file *f)
{
	struct drm_mode_map_dumb arg = { .handle = kept(t, f->handles) };
	size_t pages = 1 + any(t, 64), size = pages * PAGE, first = any(t, pages) * PAGE;
	char *map;

	if (call(t, "MAP_DUMB", f->fd, DRM_IOCTL_MODE_MAP_DUMB, &arg))
		return;
	t->doing = "mmap";
	t->began = now_ns();
	map = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   any(t, 8) ? MAP_SHARED : MAP_PRIVATE, f->fd,
		   any(t, 8) ? arg.offset : any_value(t) & ~0xfffull);
	if (map != MAP_FAILED) {
		memset(map, any(t, 256), size);
		/* a page that stayed mapped would keep the file, and all that is its */
		must(munmap(map + first, size - first), "munmap");
		if (first) {
			map[0] = 1;
			must(munmap(map, first), "munmap");
		}
	}
	t->began = 0;
	t->calls++;
}

static void rm_fb(struct thread *t, struct file *f, uint32_t fb)
{
	call(t, "RMFB", f->fd, DRM_IOCTL_MODE_RMFB, &fb);
}

static void keep_fb(struct thread *t, struct file *f, uint32_t fb)
{
	uint32_t old = keep(t, f->fbs, fb);

	if (old)
		rm_fb(t, f, old);
}

static void op_add_fb(struct thread *t, struct file *f)
{
	static const uint32_t formats[] = {
		DRM_FORMAT_XRGB8888, DRM_FORMAT_ARGB8888, DRM_FORMAT_RGB565, DRM_FORMAT_NV12,
	};
	bool odd = !any(t, 4);
	uint32_t width = 1 + any(t, 1024);
	struct drm_mode_fb_cmd2 arg = {
		.width = odd ? any_number(t) : width,
		.height = odd ? any_number(t) : 1 + any(t, 768),
		.pixel_format = formats[any(t, ARRAY_SIZE(formats))],
		.handles = { kept(t, f->handles) },
		.pitches = { odd ? any_number(t) : 4 * width },
		.offsets = { any(t, 16) ? 0 : any_number(t) },
		.modifier = { any(t, 16) ? 0 : any_value(t) },
		.flags = any(t, 16) ? 0 : any_number(t),
	};

	if (!call(t, "ADDFB2", f->fd, DRM_IOCTL_MODE_ADDFB2, &arg))
		keep_fb(t, f, arg.fb_id);
}

static void op_rm_fb(struct thread *t, struct file *f)
{
	rm_fb(t, f, kept(t, f->fbs));
}

/* A framebuffer of the size of the screen, shown. */
static void op_show(struct thread *t, struct file *f)
{
	struct drm_mode_create_dumb create = {
		.width = ids.mode.hdisplay, .height = ids.mode.vdisplay, .bpp = 32,
	};
	uint32_t connector = any_id(t, ids.connectors, ids.num_connectors);
	struct drm_mode_crtc crtc = {
		.crtc_id = any_id(t, ids.crtcs, ids.num_crtcs), .mode_valid = 1,
		.set_connectors_ptr = (uintptr_t)&connector, .count_connectors = 1,
	};
	struct drm_mode_fb_cmd2 fb = {
		.width = create.width, .height = create.height,
		.pixel_format = DRM_FORMAT_XRGB8888,
	};

	if (call(t, "CREATE_DUMB", f->fd, DRM_IOCTL_MODE_CREATE_DUMB, &create))
		return;
	fb.handles[0] = create.handle;
	fb.pitches[0] = create.pitch;
	if (!call(t, "ADDFB2", f->fd, DRM_IOCTL_MODE_ADDFB2, &fb)) {
		crtc.fb_id = fb.fb_id;
		memcpy(&crtc.mode, &ids.mode, sizeof(crtc.mode));
		call(t, "SETCRTC", f->fd, DRM_IOCTL_MODE_SETCRTC, &crtc);
		keep_fb(t, f, fb.fb_id);
	}
	destroy(t, f, create.handle);
}

static void op_set_crtc(struct thread *t, struct file *f)
{
	uint32_t connector = any_id(t, ids.connectors, ids.num_connectors);
	struct drm_mode_crtc arg = {
		.crtc_id = any_id(t, ids.crtcs, ids.num_crtcs), .fb_id = kept(t, f->fbs),
		.mode_valid = any(t, 4) != 0, .set_connectors_ptr = (uintptr_t)&connector,
		.count_connectors = any(t, 8) ? 1 : any(t, 3),
		.x = any(t, 8) ? 0 : any_number(t), .y = any(t, 8) ? 0 : any_number(t),
	};

	memcpy(&arg.mode, &ids.mode, sizeof(arg.mode));
	if (!any(t, 4))
		((uint8_t *)&arg.mode)[any(t, sizeof(arg.mode))] = any(t, 256);
	call(t, "SETCRTC", f->fd, DRM_IOCTL_MODE_SETCRTC, &arg);
}

static void op_flip(struct thread *t, struct file *f)
{
	struct drm_mode_crtc_page_flip arg = {
		.crtc_id = any_id(t, ids.crtcs, ids.num_crtcs), .fb_id = kept(t, f->fbs),
		.flags = any(t, 8) ? DRM_MODE_PAGE_FLIP_EVENT : any_number(t),
		.user_data = any_value(t),
	};

	call(t, "PAGE_FLIP", f->fd, DRM_IOCTL_MODE_PAGE_FLIP, &arg);
}

static void op_dirty(struct thread *t, struct file *f)
{
	struct drm_clip_rect clips[4];
	struct drm_mode_fb_dirty_cmd arg = {
		.fb_id = kept(t, f->fbs), .flags = any(t, 8) ? 0 : any_number(t),
		.num_clips = any(t, 5), .clips_ptr = (uintptr_t)clips,
	};

	for (size_t i = 0; i < sizeof(clips); i++)
		((uint8_t *)clips)[i] = any(t, 256);
	if (!arg.num_clips)
		arg.clips_ptr = 0;
	call(t, "DIRTYFB", f->fd, DRM_IOCTL_MODE_DIRTYFB, &arg);
}

static void op_atomic(struct thread *t, struct file *f)
{
	uint32_t objects[4], counts[4], props[4];
	uint64_t values[4];
	struct drm_mode_atomic arg = {
		.flags = any(t, 8) ? DRM_MODE_ATOMIC_ALLOW_MODESET : any_number(t),
		.count_objs = 1 + any(t, 4), .objs_ptr = (uintptr_t)objects,
		.count_props_ptr = (uintptr_t)counts, .props_ptr = (uintptr_t)props,
		.prop_values_ptr = (uintptr_t)values, .user_data = any_value(t),
	};

	if (any(t, 2))
		arg.flags |= DRM_MODE_ATOMIC_NONBLOCK;
	for (int i = 0; i < 4; i++) {
		unsigned int p = any(t, ids.num_props ? ids.num_props : 1);

		objects[i] = ids.props[p].object;
		props[i] = any(t, 16) ? ids.props[p].prop : any_number(t);
		counts[i] = 1;
		values[i] = any(t, 2) ? kept(t, f->fbs) : any_value(t);
	}
	call(t, "ATOMIC", f->fd, DRM_IOCTL_MODE_ATOMIC, &arg);
}

static void op_set_property(struct thread *t, struct file *f)
{
	unsigned int p = any(t, ids.num_props ? ids.num_props : 1);
	struct drm_mode_obj_set_property arg = {
		.value = any_value(t), .prop_id = ids.props[p].prop,
		.obj_id = ids.props[p].object, .obj_type = ids.props[p].type,
	};

	call(t, "OBJ_SETPROPERTY", f->fd, DRM_IOCTL_MODE_OBJ_SETPROPERTY, &arg);
}

static void op_export(struct thread *t, struct file *f)
{
	struct drm_prime_handle arg = {
		.handle = kept(t, f->handles),
		.flags = any(t, 8) ? DRM_CLOEXEC | DRM_RDWR : any_number(t),
	};

	if (!call(t, "PRIME_HANDLE_TO_FD", f->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &arg))
		keep_dmabuf(t, f, arg.fd);
}

/* From any file into any other, or nothing that is a buffer at all. */
static void op_import(struct thread *t, struct file *f)
{
	struct drm_prime_handle arg = {
		.fd = any(t, 8) ? atomic_load(&any_file(t)->dmabufs[any(t, KEPT)]) :
				  (int)any(t, 64),
	};

	if (!call(t, "PRIME_FD_TO_HANDLE", f->fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &arg))
		keep_handle(t, f, arg.handle);
}

static void op_probe(struct thread *t, struct file *f)
{
	struct drm_mode_get_connector arg = {
		.connector_id = any_id(t, ids.connectors, ids.num_connectors),
	};

	call(t, "GETCONNECTOR", f->fd, DRM_IOCTL_MODE_GETCONNECTOR, &arg);
}

static void op_get_fb(struct thread *t, struct file *f)
{
	struct drm_mode_fb_cmd2 arg = { .fb_id = kept(t, f->fbs) };

	if (!call(t, "GETFB2", f->fd, DRM_IOCTL_MODE_GETFB2, &arg) && arg.handles[0])
		keep_handle(t, f, arg.handles[0]);
}

static void op_cap(struct thread *t, struct file *f)
{
	struct drm_set_client_cap arg = { .capability = any(t, 8), .value = any(t, 4) };

	call(t, "SET_CLIENT_CAP", f->fd, DRM_IOCTL_SET_CLIENT_CAP, &arg);
}

static void op_master(struct thread *t, struct file *f)
{
	call(t, "SET_MASTER", f->fd, DRM_IOCTL_SET_MASTER, NULL);
	if (!any(t, 4))
		call(t, "DROP_MASTER", f->fd, DRM_IOCTL_DROP_MASTER, NULL);
}

static void op_vblank(struct thread *t, struct file *f)
{
	union drm_wait_vblank arg = {
		.request.type = any(t, 4) ? DRM_VBLANK_RELATIVE | DRM_VBLANK_EVENT :
					    any_number(t),
		.request.sequence = any_number(t),
	};

	call(t, "WAIT_VBLANK", f->fd, DRM_IOCTL_WAIT_VBLANK, &arg);
}

static void op_read(struct thread *t, struct file *f)
{
	char events[256];

	t->doing = "read";
	t->began = now_ns();
	/* what it returns is as good as anything */
	t->random += read(f->fd, events, any(t, sizeof(events)));
	t->began = 0;
	t->calls++;
}

static void (*const ops[])(struct thread *t, struct file *f) = {
	op_create, op_create, op_destroy, op_gem_close, op_mmap, op_mmap, op_add_fb,
	op_add_fb, op_add_fb, op_rm_fb, op_show, op_show, op_set_crtc, op_flip, op_flip,
	op_flip, op_dirty, op_atomic, op_atomic, op_atomic, op_set_property, op_export,
	op_import, op_close_dmabuf, op_probe, op_get_fb, op_cap, op_master, op_master,
	op_vblank, op_read, op_reopen,
};

/* --- the storm -------------------------------------------------------------------- */

static void *run(void *arg)
{
	struct thread *t = arg;

	while (!stop)
		ops[any(t, ARRAY_SIZE(ops))](t, any_file(t));
	return NULL;
}

static void learn_props(struct kms *kms, uint32_t id, uint32_t type)
{
	drmModeObjectProperties *props = drmModeObjectGetProperties(kms->fd, id, type);

	for (uint32_t i = 0; props && i < props->count_props; i++) {
		if (ids.num_props == MAX_PROPS)
			break;
		ids.props[ids.num_props].object = id;
		ids.props[ids.num_props].type = type;
		ids.props[ids.num_props++].prop = props->props[i];
	}
	drmModeFreeObjectProperties(props);
}

static void learn(const struct options *opt)
{
	drmModePlaneRes *planes;
	struct head head;
	struct kms kms;

	open_card(&kms, opt);
	head_init(&kms, &head, 0);
	ids.mode = head.mode;
	for (int i = 0; i < kms.res->count_crtcs && i < MAX_IDS; i++) {
		ids.crtcs[ids.num_crtcs++] = kms.res->crtcs[i];
		learn_props(&kms, kms.res->crtcs[i], DRM_MODE_OBJECT_CRTC);
	}
	for (int i = 0; i < kms.res->count_connectors && i < MAX_IDS; i++) {
		ids.connectors[ids.num_connectors++] = kms.res->connectors[i];
		learn_props(&kms, kms.res->connectors[i], DRM_MODE_OBJECT_CONNECTOR);
	}
	planes = drmModeGetPlaneResources(kms.fd);
	for (uint32_t i = 0; planes && i < planes->count_planes && i < MAX_IDS; i++) {
		ids.planes[ids.num_planes++] = planes->planes[i];
		learn_props(&kms, planes->planes[i], DRM_MODE_OBJECT_PLANE);
	}
	drmModeFreePlaneResources(planes);
	kms_close(&kms);
}

static void open_files(void)
{
	for (int f = 0; f < FILES; f++) {
		files[f].fd = card_open(card, O_NONBLOCK);
		for (int i = 0; i < KEPT; i++)
			files[f].dmabufs[i] = -1;
	}
}

/* Where in the kernel a thread is that does not come back. */
static void show_stacks(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	char path[300], text[4096];

	while (tasks && (task = readdir(tasks))) {
		ssize_t len = 0;
		int fd;

		snprintf(path, sizeof(path), "/proc/self/task/%s/stack", task->d_name);
		fd = open(path, O_RDONLY);
		if (fd >= 0)
			len = read(fd, text, sizeof(text) - 1);
		if (len > 0)
			printf("task %s:\n%.*s", task->d_name, (int)len, text);
		if (fd >= 0)
			close(fd);
	}
}

/* Returns the longest time that a call has been under way, in ms. */
static unsigned int longest_call(unsigned int count, const char **doing)
{
	uint64_t now = now_ns(), began, longest = 0;

	for (unsigned int i = 0; i < count; i++) {
		began = threads[i].began;
		if (!began || began > now || now - began < longest)
			continue;
		longest = now - began;
		*doing = threads[i].doing;
	}
	return longest / 1000000;
}

/* False when a call did not return in time. */
static bool watch(const struct options *opt, uint64_t end)
{
	const char *doing = "nothing", *slowest = "nothing";
	unsigned int ms, most = 0;

	while (now_ns() < end) {
		usleep(200000);
		ms = longest_call(opt->threads, &doing);
		if (ms > most) {
			most = ms;
			slowest = doing;
		}
		if (ms < opt->timeout_ms)
			continue;
		printf("%s has not returned for %u ms, expected at most %u\n", doing, ms,
		       opt->timeout_ms);
		show_stacks();
		return false;
	}
	printf("slowest=%s ms=%u\n", slowest, most);
	return true;
}

int cmd_storm(struct options *opt)
{
	uint64_t start = now_ns();
	unsigned int calls = 0;
	bool in_time;

	if (!opt->threads || opt->threads > MAX_THREADS)
		die("--threads %u, expected 1 to %d", opt->threads, MAX_THREADS);
	card = opt->card;
	learn(opt);
	open_files();
	printf("storm seed=%u threads=%u seconds=%u\n", opt->seed, opt->threads, opt->seconds);
	fflush(stdout);
	for (unsigned int i = 0; i < opt->threads; i++) {
		threads[i].random = opt->seed * 1000003ull + i;
		must(-pthread_create(&threads[i].id, NULL, run, &threads[i]), "pthread_create");
	}

	in_time = watch(opt, start + opt->seconds * 1000000000ull);
	stop = true;
	/* A thread that does not come back is not waited for either. */
	if (in_time)
		in_time = watch(opt, now_ns() + 1000000000);
	for (unsigned int i = 0; i < opt->threads && in_time; i++) {
		pthread_join(threads[i].id, NULL);
		calls += threads[i].calls;
	}
	printf("calls=%u seconds=%.1f\n", calls, (now_ns() - start) / 1e9);
	return !in_time || calls < opt->threads;
}
