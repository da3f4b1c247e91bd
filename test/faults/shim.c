/*
 * What a process of a member is told by the machine, changed by a control file of two numbers:
 *   [0] microseconds that every fsync and fdatasync takes longer
 *   [1] nanoseconds by which the wall clock is ahead
 * Loaded with LD_PRELOAD into supervisor, agent and mysqld. The monotonic clock is not touched: no jump of a wall
 * clock touches it either. An absolute deadline by the wall clock is moved back for the kernel, which knows nothing
 * of the jump; who already waits keeps his old deadline (a real jump would wake him).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t none[2];
static const volatile int64_t *control = none;

static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_timedwait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
static int (*real_clockwait)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);

__attribute__((constructor)) static void init(void) {
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
  /* Without its version the oldest one is found, which takes another pthread_cond_t. */
  real_timedwait = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
  real_clockwait = dlsym(RTLD_NEXT, "pthread_cond_clockwait");
  const char *path = getenv("PORPOISE_SHIM_CONTROL");
  if (path == NULL) return;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  void *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
  if (map != MAP_FAILED) control = map;
  close(file);
}

static void stall(void) {
  int64_t us = control[0];
  if (us > 0) {
    struct timespec time = {us / 1000000, (us % 1000000) * 1000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
  }
}

int fsync(int fd) {
  stall();
  return real_fsync(fd);
}

int fdatasync(int fd) {
  stall();
  return real_fdatasync(fd);
}

static void add(struct timespec *time, int64_t ns) {
  int64_t sum = (int64_t)time->tv_sec * 1000000000 + time->tv_nsec + ns;
  time->tv_sec = sum / 1000000000;
  time->tv_nsec = sum % 1000000000;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  /* Before the constructor ran, the dynamic linker may ask already. */
  if (real_clock_gettime == NULL) real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
  int result = real_clock_gettime(clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) add(time, control[1]);
  return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  (void)zone;
  struct timespec now;
  int result = clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return result;
}

time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}

/* glibc keeps there, in bit 1, that the condition's deadlines are those of the monotonic clock. */
static int is_monotonic(const pthread_cond_t *cond) { return (cond->__data.__wrefs & 2) != 0; }

int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict deadline) {
  if (is_monotonic(cond) || control[1] == 0) return real_timedwait(cond, mutex, deadline);
  struct timespec moved = *deadline;
  add(&moved, -control[1]);
  return real_timedwait(cond, mutex, &moved);
}

int pthread_cond_clockwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex, clockid_t clock,
                           const struct timespec *restrict deadline) {
  if (clock != CLOCK_REALTIME || control[1] == 0) return real_clockwait(cond, mutex, clock, deadline);
  struct timespec moved = *deadline;
  add(&moved, -control[1]);
  return real_clockwait(cond, mutex, clock, &moved);
}
